import type { LoadOptions, Model } from '../../runtime/index.ts'
import { newTemplate } from '../../runtime/tracing/blocks/block.ts'
import { sweep } from '../../sweep/index.ts'
import { openModel } from '../../view/model/open-model.ts'
import { readInputs } from '../inputs/read.ts'
import { inputSources } from '../inputs/sources.ts'
import { savingBlock } from '../run/template.ts'
import { UsageError } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'
import { templateText } from '../shared/template-text.ts'
import { filled } from './axes.ts'
import type { SweepFlags } from './flags.ts'

/** Sweeps as the flags say, and prints the table. */
export async function runSweep(path: string, flags: SweepFlags, load: LoadOptions): Promise<void> {
  const template = await templateText(flags)
  if (!template)
    throw new UsageError(
      'Nothing to measure was passed.',
      "pass a template that saves a number: --template 'save top = lm_head.output[0, -1].max()'",
    )
  const { model } = await openModel(path, load)
  try {
    const inputs = await inputsOf(model, flags)
    let shown = 0
    const table = await sweep({
      model,
      over: flags.over,
      inputs,
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(flags.queue === undefined ? {} : { queue: flags.queue }),
      ...(flags.priority === undefined ? {} : { priority: flags.priority }),
      retry: flags.retry ?? false,
      template: (point: Readonly<Record<string, unknown>>) =>
        newTemplate(savingBlock(filled(template.text, point), template.name, () => undefined)),
      onProgress({ done, total, failed, secondsLeft }) {
        const now = performance.now()
        if (now - shown < 2000 || flags.json) return
        shown = now
        const left = secondsLeft === undefined ? '' : `, ${Math.ceil(secondsLeft)} s left`
        process.stderr.write(`${done} of ${total} points${failed > 0 ? `, ${failed} failed` : ''}${left}\n`)
      },
    })
    if (flags.json) printJson({ version: 1, rows: table.rows.map(({ run: _, ...row }) => row) })
    else if (flags.out === undefined) print(String(table))
    else
      print(
        `${flags.out}: ${table.rows.length} rows${table.failures.length > 0 ? `, ${table.failures.length} failed` : ''}`,
      )
  } finally {
    await model.release()
  }
}

async function inputsOf(model: Model, flags: SweepFlags) {
  return readInputs(model.signature.inputs, inputSources(flags))
}
