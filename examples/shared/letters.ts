/** Capital letters of 5 × 7 dots. */
const DOTS: Readonly<Record<string, string>> = {
  H: '10001 10001 10001 11111 10001 10001 10001',
  O: '01110 10001 10001 10001 10001 10001 01110',
  U: '10001 10001 10001 10001 10001 10001 01110',
  S: '01111 10000 10000 01110 00001 00001 11110',
  E: '11111 10000 10000 11110 10000 10000 11111',
}
/** Pixels for each dot. */
const DOT = 4

/** The first column of pixels of a letter, and that after its last. */
export const columnsOf = (letter: number): [number, number] => [(letter * 6 + 2) * DOT, (letter * 6 + 8) * DOT]

/** A word as an image: rows of pixels, 1 for paper and −1 for ink. */
export function imageOf(word: string, width: number, height: number): number[][] {
  const image = Array.from({ length: height }, () => new Array<number>(width).fill(1))
  const top = Math.floor((height - 7 * DOT) / 2)
  for (const [i, letter] of [...word].entries())
    for (const [y, dots] of DOTS[letter].split(' ').entries())
      for (let dot = 0; dot < 5; dot++)
        if (dots[dot] === '1')
          for (let row = 0; row < DOT; row++)
            image[top + y * DOT + row].fill(-1, columnsOf(i)[0] + dot * DOT, columnsOf(i)[0] + (dot + 1) * DOT)
  return image
}
