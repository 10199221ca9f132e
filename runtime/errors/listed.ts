/** The most names that a message lists. */
const MOST = 12

/** The names as text for a message. If there are many, it has the first ones, and says how many more there are. */
export function listed(names: readonly string[]): string {
  return names.length > MOST ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more` : names.join(', ')
}
