/** What the rooms that know nothing of the platform ask of its files. */
export interface PlatformFiles {
  /** Bytes of a file that external data lies in, by its location. */
  readBytes(location: string, offset: number, length: number): Promise<Uint8Array>
}

let files: PlatformFiles | undefined

/** Chosen once, by the platform's entry point. */
export function usePlatformFiles(chosen: PlatformFiles): void {
  files = chosen
}

/** Whether an entry point has chosen. */
export const hasPlatform = (): boolean => files !== undefined

export function platformFiles(): PlatformFiles {
  if (!files) throw new Error('No platform is installed: import onnsight, not one of its rooms.')
  return files
}
