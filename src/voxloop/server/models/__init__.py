"""What the API answers with: a module for each noun. The page's TypeScript types are made from these."""
