import { execFileSync } from 'node:child_process'
import test from 'ava'

test('every stored case of reads, edits and generations is within tolerance of what PyTorch computed', t => {
  const args = ['--enable-source-maps', '--import', 'onnsight/register', 'test/cases/run.ts']
  const output = execFileSync(
    process.execPath,
    [...args, '--cases', 'test/fixtures/cases.json', '--models', 'test/fixtures/models'],
    { encoding: 'utf8' },
  )
  t.regex(output, /^68 of 68 within tolerance$/m)
})

test('a case that is off is reported, and the exit code says so', t => {
  const args = ['--import', 'onnsight/register', 'test/cases/run.ts']
  const error = t.throws(() =>
    execFileSync(
      process.execPath,
      [...args, '--cases', 'test/fixtures/cases-wrong.json', '--models', 'test/fixtures/models'],
      { encoding: 'utf8', stdio: 'pipe' },
    ),
  ) as Error & { status: number; stdout: string }
  t.is(error.status, 1)
  t.regex(error.stdout, /failed {2}wrong\/value: logits: off by/)
  t.regex(error.stdout, /^0 of 1 within tolerance$/m)
})
