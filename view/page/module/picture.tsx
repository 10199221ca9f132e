import { useEffect, useRef } from 'preact/hooks'
import type { SentPicture } from '../../protocol/api.ts'

/** A value of three maps of colours as a picture. */
export function Picture({ picture }: { picture: SentPicture }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    const { width, height, base64 } = picture
    const image = context.createImageData(width, height)
    for (const [i, char] of [...atob(base64)].entries())
      image.data[4 * Math.floor(i / 3) + (i % 3)] = char.charCodeAt(0)
    for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255
    context.putImageData(image, 0, 0)
  }, [picture])
  return (
    <figure class="picture">
      <canvas
        ref={canvas}
        width={picture.width}
        height={picture.height}
        role="img"
        aria-label="The value as a picture"
      />
      <figcaption class="hint">As a picture: the least number is black, the greatest has the full colour.</figcaption>
    </figure>
  )
}
