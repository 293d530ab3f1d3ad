"""What the page is shown of datasets: their versions, what a check says of them, and slices of their scans.

Only the cases of a recorded version are read, from the folder that it was recorded in. Heavy libraries work in processes of
their own, so that the server stays small and a damaged scan ends none of it.
"""
