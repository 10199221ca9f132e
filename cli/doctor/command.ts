import type { Command } from 'commander'
import { exitCodes } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check the set-up of a project, and say what is wrong and how to fix it')
    .option('--project <folder>', 'the project to check', '.')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The exit code is 1 if a check fails; warnings do not change it.

Example:
  onnsight doctor --project ../app`,
    )
    .action(async ({ project, json }: { project: string; json?: boolean }) => {
      const { diagnose } = await import('./diagnose.ts')
      const { describeFindings } = await import('./finding.ts')
      const diagnosis = await diagnose(project)
      if (json) printJson(diagnosis)
      else print(describeFindings(diagnosis.findings))
      if (diagnosis.findings.some(({ status }) => status === 'fail')) process.exitCode = exitCodes.failed
    })
}
