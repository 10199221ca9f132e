import type { Command } from 'commander'
import { exitCodes } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong with this set-up, and what to do about it')
    .option('--project <folder>', 'the project to look at', '.')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
It ends with 1 if something fails; what is only worth knowing is a warning.

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
