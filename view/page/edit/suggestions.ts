/** Lines that the user can insert into the template, for the chosen module. */
export function suggestions(path: string): string[] {
  const module = inTemplate(path)
  if (module === undefined) return []
  return [`${module}.output = 0`, `${module}.output *= 2`, `skip ${module}`, `save h = ${module}.output[:, -1]`]
}

/** A module's path as templates write it: `transformer.h[1]`. Undefined for the model itself. */
export function inTemplate(path: string): string | undefined {
  if (path === '') return undefined
  return path
    .split('.')
    .map((part, i) => {
      if (/^\d+$/.test(part) && i > 0) return `[${part}]`
      const isWord = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(part)
      const text = isWord ? part : `child(${JSON.stringify(part)})`
      return i === 0 ? (isWord ? text : `model.${text}`) : `.${text}`
    })
    .join('')
}
