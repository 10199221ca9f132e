import { RunError } from '../../errors/run.ts'
import type { Expression, Mark } from '../../graph/expression.ts'
import type { Step } from '../linker/plan.ts'

/** How onnxruntime ends the names of nodes that it optimised for the vector width of one processor. A processor of another width refuses them. */
const BLOCKED = '_nchwc'
const OTHER_PROCESSOR =
  'load the file from before onnxruntime optimised it at level all, which fits one kind of processor only, or optimise it at level extended'

/** Converts an error of onnxruntime to one at the user's line, if a recorded operation caused it. */
export function mapRunError(error: unknown, step: Step, order: readonly Expression[]): Error {
  const text = error instanceof Error ? error.message : String(error)
  const found = /running (\S+) node\. Name:'(.*?)' Status Message: ([\s\S]*)/.exec(text)
  if (!found) {
    const message = /^Non tensor type/.test(text)
      ? 'a value that was read is a sequence, a map or an optional, which can’t be given out; read what goes into it, or what comes out of it'
      : firstLine(text)
    return new RunError({ step: step.label, message, cause: error })
  }
  const [, opType, nodeName, message] = found
  const own = /^⟦onnsight⟧(\d+) /.exec(nodeName)
  const expression = own ? order[step.expressions[Number(own[1])]] : undefined
  const mark: Mark | undefined = expression && 'mark' in expression ? expression.mark : undefined
  return new RunError({
    step: step.label,
    opType,
    ...(own ? {} : { node: nodeName }),
    ...(!own && nodeName.endsWith(BLOCKED) ? { fix: OTHER_PROCESSOR } : {}),
    message: firstLine(message.replace(/^.*?\.(?:h|cc|cpp):\d+ /, '')),
    at: mark?.position(),
    cause: error,
  })
}

function firstLine(text: string): string {
  return text.replaceAll('\u001b[0m', '').split('\n')[0].trim()
}
