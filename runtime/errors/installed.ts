/** The part of the platform that its entry point has installed. A program that imports a room on its own has none. */
export function installed<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('No platform is installed: import onnsight, not one of its rooms.')
  return part
}
