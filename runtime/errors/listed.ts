/** How many names a message lists. */
const MOST = 12

/** Names in a message: the first ones and how many more there are, if they are many. */
export function listed(names: readonly string[]): string {
  return names.length > MOST ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more` : names.join(', ')
}
