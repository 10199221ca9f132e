import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addCompare } from './compare/command.ts'
import { addCompletion } from './completion/command.ts'
import { addDoctor } from './doctor/command.ts'
import { addEdit } from './edit/command.ts'
import { addExampleModel } from './example-model/command.ts'
import { addExport } from './export/command.ts'
import { addHarvest } from './harvest/command.ts'
import { addInspect } from './inspect/command.ts'
import { addProfile } from './profile/command.ts'
import { addQueue, addWorker } from './queue/command.ts'
import { addReduce } from './reduce/command.ts'
import { addRepl } from './repl/command.ts'
import { addRun } from './run/command.ts'
import { addServe } from './serve/command.ts'
import { addSweep } from './sweep/command.ts'
import { addTypes } from './types/command.ts'
import { addView } from './view/command.ts'

/** The version of this package. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const examplesAndExitCodes = `
Examples:
  onnsight example-model
  onnsight inspect chars.onnx
  onnsight view chars.onnx --open
Exit codes: 0 success, 1 failure, 2 wrong command line. Errors go to stderr; ONNSIGHT_DEBUG=1 shows where they were thrown.`

/** The program with all its commands. A command imports what it needs only when it runs, so that help and completion are quick. */
export function makeProgram(): Command {
  const program = new Command('onnsight')
    .description('Open any ONNX model, read what happens inside it, and change it.')
    .version(ownVersion())
    .addHelpText('after', examplesAndExitCodes)
    .exitOverride()
    .showHelpAfterError('  Do this: onnsight --help')
  for (const add of [
    addInspect,
    addRun,
    addEdit,
    addExport,
    addProfile,
    addCompare,
    addReduce,
    addHarvest,
    addSweep,
    addWorker,
    addQueue,
    addRepl,
    addView,
    addServe,
    addTypes,
    addExampleModel,
    addDoctor,
    addCompletion,
  ])
    add(program)
  for (const command of program.commands) command.showHelpAfterError(`  Do this: onnsight ${command.name()} --help`)
  return program
}
