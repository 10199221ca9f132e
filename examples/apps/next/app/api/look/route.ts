import { lookOnServer } from '../../../lib/server-model'
import { MOST } from '../../../lib/text'

/** POST { "text": "…" }: patterns and lens as JSON. */
export async function POST(request: Request): Promise<Response> {
  const { text } = (await request.json().catch(() => ({}))) as { text?: unknown }
  if (typeof text !== 'string' || text === '' || text.length > MOST)
    return Response.json({ message: `Send { "text": … } with 1 to ${MOST} characters.` }, { status: 400 })
  try {
    return Response.json(await lookOnServer(text))
  } catch (error) {
    return Response.json({ message: (error as Error).message }, { status: 422 })
  }
}
