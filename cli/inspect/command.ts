import type { Command } from 'commander'
import { print, printJson } from '../shared/print.ts'

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('show the inputs, outputs, modules with their parameters, blocks and operations of a model')
    .argument('<model>', 'a .onnx file')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  onnsight inspect model.onnx
  onnsight inspect model.onnx --json | jq '.modules[] | select(.parameters > 1e6) | .path'`,
    )
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { load } = await import('../../runtime/index.ts')
      const { inspection } = await import('./inspection.ts')
      const { describe } = await import('./describe.ts')
      const model = await load(path)
      if (json) printJson(inspection(model))
      else print(describe(model, process.stdout))
      await model.release()
    })
}
