/** A place as its user writes it: `transformer.h.1.output` is `model.transformer.h[1].output`; what has no name is `h`. */
export function asCode(label: string): string {
  if (/\s/.test(label.replace(/\(.*?\)|\[.*?\]/g, ''))) return 'h'
  return `model.${label}`.replace(/\.(\d+)(?=\.|$)/g, '[$1]')
}
