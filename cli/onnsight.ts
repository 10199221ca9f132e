#!/usr/bin/env node
import { report } from './errors.ts'
import { endWithReader } from './print.ts'
import { makeProgram } from './program.ts'

endWithReader()
try {
  await makeProgram().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
