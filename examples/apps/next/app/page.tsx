import { Lens } from '../components/Lens'
import { Pattern } from '../components/Pattern'
import { lookOnServer } from '../lib/server-model'
import { EXAMPLE, MAX_LENGTH } from '../lib/text'

/** A server component: the model runs while the page is rendered. */
export default async function Page({ searchParams }: { readonly searchParams: Promise<{ readonly text?: string }> }) {
  const { text = EXAMPLE } = await searchParams
  const readings = await lookOnServer(text.slice(0, MAX_LENGTH) || EXAMPLE)
  return (
    <>
      <p className="lead">
        A small model, trained on Shakespeare’s characters, runs on the server with onnxruntime-node while this page is
        rendered. onnsight reads its attention patterns and the output of each layer.
      </p>
      <form>
        <label htmlFor="text">Text, at most {MAX_LENGTH} characters</label>
        <div className="line">
          <input id="text" name="text" defaultValue={text} maxLength={MAX_LENGTH} spellCheck="false" />
          <button type="submit">Look</button>
        </div>
      </form>
      {text.length > MAX_LENGTH && <p role="status">The first {MAX_LENGTH} characters of the text are read.</p>}
      <Pattern patterns={readings.patterns} tokens={readings.tokens} />
      <Lens lens={readings.lens} tokens={readings.tokens} />
    </>
  )
}
