/** Volumes fetched before, by address. Addresses carry the content's digest, so what is here never goes stale. */

export class FileShelf {
  #files = new Map<string, { file: Promise<File>; bytes: number }>();

  constructor(
    private readonly fetchFile: (url: string) => Promise<File>,
    private readonly room = 256e6,
  ) {}

  get(url: string, bytes: number): Promise<File> {
    const found = this.#files.get(url);
    if (found) {
      // Moves to the end: what was used last is dropped last.
      this.#files.delete(url);
      this.#files.set(url, found);
      return found.file;
    }
    const file = this.fetchFile(url);
    this.#files.set(url, { file, bytes });
    file.catch(() => this.#files.delete(url));
    this.#makeRoom(url);
    return file;
  }

  #makeRoom(keep: string): void {
    let total = [...this.#files.values()].reduce((sum, f) => sum + f.bytes, 0);
    for (const [url, { bytes }] of this.#files) {
      if (total <= this.room) return;
      if (url === keep) continue;
      this.#files.delete(url);
      total -= bytes;
    }
  }
}
