import { installed } from '../../errors/installed.ts'

/** Access to files for the folders that run on every platform. */
export interface PlatformFiles {
  /** Reads `length` bytes of a file of external data, which `location` names. */
  readBytes(location: string, offset: number, length: number): Promise<Uint8Array>
}

let files: PlatformFiles | undefined

/** Called once, by the platform's entry point. */
export function usePlatformFiles(chosen: PlatformFiles): void {
  files = chosen
}

/** Whether an entry point has called `usePlatformFiles`. */
export const hasPlatform = (): boolean => files !== undefined

export function platformFiles(): PlatformFiles {
  return installed(files)
}
