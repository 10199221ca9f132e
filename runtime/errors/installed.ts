/** Returns the part of the platform that an entry point has installed. A program that imports only a single room has no platform. */
export function installed<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('No platform is installed: import onnsight, not one of its rooms.')
  return part
}
