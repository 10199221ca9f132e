#!/usr/bin/env node
import { makeProgram } from './program.ts'
import { report } from './shared/errors.ts'
import { endWithReader } from './shared/print.ts'

endWithReader()
try {
  await makeProgram().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
