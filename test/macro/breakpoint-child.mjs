// Debugs its own main thread from a worker: stops at a line of a program, by the source map of what ran, and prints where it stands.
import { Session } from 'node:inspector/promises'
import { SourceMap } from 'node:module'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

if (isMainThread) {
  const [, , program, line] = process.argv
  const worker = new Worker(new URL(import.meta.url), { workerData: { program, line: Number(line) } })
  await new Promise(resolve => worker.once('message', resolve))
  // What it tells while the main thread stands still is heard after that.
  worker.on('message', stopped => console.log(JSON.stringify(stopped)))
  await import(program)
  await new Promise(resolve => setTimeout(resolve, 200))
  await worker.terminate()
} else {
  const { program, line } = workerData
  // Answers of the inspector keep no thread alive.
  setInterval(() => {}, 1000)
  const session = new Session()
  session.connectToMainThread()
  const scripts = new Map()
  const mapOf = ({ sourceMapURL }) =>
    new SourceMap(JSON.parse(Buffer.from(sourceMapURL.replace(/^data:[^,]*,/, ''), 'base64').toString()))
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params))
  session.on('Debugger.paused', async ({ params: { reason, data, callFrames } }) => {
    const [{ location, callFrameId }] = callFrames
    if (reason === 'instrumentation') {
      const script = scripts.get(data.scriptId)
      if (script.url === program) await breakAt(script, data.scriptId)
    } else {
      const map = mapOf(scripts.get(location.scriptId))
      const { originalLine, originalColumn } = map.findEntry(location.lineNumber, location.columnNumber)
      const { result } = await session.post('Debugger.evaluateOnCallFrame', {
        callFrameId,
        expression: 'String(h) + " " + typeof later',
      })
      parentPort.postMessage({ line: originalLine + 1, column: originalColumn + 1, value: result.value })
    }
    await session.post('Debugger.resume')
  })

  /** As an editor does: the first generated place that comes from the line. */
  async function breakAt(script, scriptId) {
    const map = mapOf(script)
    for (let lineNumber = 0; lineNumber <= script.endLine; lineNumber++) {
      for (let columnNumber = 0; columnNumber < 200; columnNumber++) {
        const entry = map.findEntry(lineNumber, columnNumber)
        if (entry.originalLine !== line - 1 || entry.generatedLine !== lineNumber) continue
        await session.post('Debugger.setBreakpoint', {
          location: { scriptId, lineNumber, columnNumber: entry.generatedColumn },
        })
        return
      }
    }
  }

  await session.post('Debugger.enable')
  await session.post('Debugger.setInstrumentationBreakpoint', { instrumentation: 'beforeScriptWithSourceMapExecution' })
  parentPort.postMessage('ready')
}
