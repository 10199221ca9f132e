/** Whether a version is at least another one, compared number by number. */
export function isAtLeast(version: string, least: string): boolean {
  const [own, other] = [version, least].map(text => text.replace(/^v/, '').split(/[.-]/).slice(0, 3).map(Number))
  for (let i = 0; i < 3; i++) if ((own[i] || 0) !== (other[i] || 0)) return (own[i] || 0) > (other[i] || 0)
  return true
}
