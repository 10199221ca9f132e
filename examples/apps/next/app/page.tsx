import { Lens } from '../components/Lens'
import { Pattern } from '../components/Pattern'
import { lookOnServer } from '../lib/server-model'
import { EXAMPLE, MOST } from '../lib/text'

/** A server component: the model runs while the page is made. */
export default async function Page({ searchParams }: { readonly searchParams: Promise<{ readonly text?: string }> }) {
  const { text = EXAMPLE } = await searchParams
  const seen = await lookOnServer(text.slice(0, MOST) || EXAMPLE)
  return (
    <>
      <p className="lead">
        A small model of Shakespeare’s characters runs on the server, on onnxruntime-node, while this page is made.
        onnsight reads what happens on the way.
      </p>
      <form>
        <label htmlFor="text">Text</label>
        <div className="line">
          <input id="text" name="text" defaultValue={text} maxLength={MOST} spellCheck="false" />
          <button type="submit">Look</button>
        </div>
      </form>
      <Pattern patterns={seen.patterns} tokens={seen.tokens} />
      <Lens lens={seen.lens} tokens={seen.tokens} />
    </>
  )
}
