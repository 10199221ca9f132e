/** A label as the user writes it in code: `transformer.h.1.output` becomes `model.transformer.h[1].output`. A label that is no name becomes `h`. */
export function asCode(label: string): string {
  if (/\s/.test(label.replace(/\(.*?\)|\[.*?\]/g, ''))) return 'h'
  return `model.${label}`.replace(/\.(\d+)(?=\.|$)/g, '[$1]')
}
