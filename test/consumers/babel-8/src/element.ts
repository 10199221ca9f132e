/** What JSX makes here: no framework is needed to see that it is kept. */
export function element(name: string, properties: object | null, ...children: unknown[]): string {
  return `<${name} ${Object.entries(properties ?? {}).join(' ')}>${children.join('')}</${name}>`
}
