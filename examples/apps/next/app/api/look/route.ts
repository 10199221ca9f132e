import { lookOnServer } from '../../../lib/server-model'
import { MAX_LENGTH } from '../../../lib/text'

/** Answers POST { "text": "…" } with the patterns and the lens as JSON. */
export async function POST(request: Request): Promise<Response> {
  const { text } = (await request.json().catch(() => ({}))) as { text?: unknown }
  if (typeof text !== 'string' || text === '' || text.length > MAX_LENGTH)
    return Response.json({ message: `Send { "text": … } with 1 to ${MAX_LENGTH} characters.` }, { status: 400 })
  try {
    return Response.json(await lookOnServer(text))
  } catch (error) {
    return Response.json({ message: (error as Error).message }, { status: 422 })
  }
}
