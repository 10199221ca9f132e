import { readFileSync } from 'node:fs'

const { chars } = JSON.parse(readFileSync('examples/models/chars.vocab.json', 'utf8')) as { chars: string[] }

/** Encodes a text as token ids of the character model. */
export function encode(text: string): number[] {
  return [...text].map(char => chars.indexOf(char))
}

/** The text of a token, with visible signs for spaces and line breaks. */
export function show(id: number): string {
  return chars[id].replace('\n', '⏎').replace(' ', '␣')
}

/** Draws a bar for a share from 0 to 1. */
export function bar(share: number, width = 30): string {
  return '█'.repeat(Math.round(Math.max(0, Math.min(1, share)) * width)).padEnd(width)
}
