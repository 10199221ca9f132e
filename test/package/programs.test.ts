import test from 'ava'
import { Project } from '../consumers/project.ts'
import { pages, programsOf } from '../pages.ts'

// Does what a newcomer does: npm init, the packed package, the example models, and then each program of the pages, pasted into a file.
let project: Project

test.before(async () => {
  project = Project.empty('newcomer')
  await project.succeed('npm init -y')
  const pictures = 'vega vega-lite'
  const server = 'fastify @fastify/swagger prom-client rate-limiter-flexible'
  await project.install(
    `onnxruntime-node @babel/core @babel/preset-typescript typescript@5 @types/node ${pictures} ${server}`,
  )
  for (const name of ['chars', 'induction', 'llama']) await project.succeed(`onnsight example-model ${name}`)
  await project.succeed('onnsight types chars.onnx')
})
test.after.always(() => Project.removeAll())

const endOf = (name: string): string => `── end of ${name}\n`

for (const page of pages) {
  const programs = programsOf(page)
  if (programs.length === 0) continue
  test.serial(
    `${page}: its ${programs.length} programs run in a project made by npm init and the package alone`,
    async t => {
      for (const { name, code } of programs) project.write(`${name}.ts`, code)
      // One process runs the programs of a page, one after the other: each is a module of its own.
      const main = `${programs[0].name}.all.mjs`
      project.write(
        main,
        programs
          .map(({ name }) => `await import('./${name}.ts')\nconsole.log(${JSON.stringify(endOf(name).trim())})\n`)
          .join(''),
      )
      const ended = await project.run(`node --import onnsight/register ${main}`)
      t.is(ended.code, 0, ended.output)
      let rest = ended.stdout
      for (const { name, code, output, printed } of programs) {
        const end = rest.indexOf(endOf(name))
        t.true(end >= 0, `${name} did not end:\n${ended.output}`)
        const text = rest.slice(0, end)
        rest = rest.slice(end + endOf(name).length)
        if (output !== undefined) t.is(ofAnyProcessor(code, text), ofAnyProcessor(code, output), name)
        for (const part of printed) t.true(text.includes(part), `${name}: ${part} is not in\n${text}`)
      }
    },
  )
}

test.serial('the programs compile, strictly, as modules of Node', async t => {
  const names = pages.flatMap(programsOf).map(({ name }) => `${name}.ts`)
  const options =
    '--noEmit --strict --module nodenext --target es2022 --types node --skipLibCheck --moduleDetection force'
  project.write('package.json', project.read('package.json').replace('"commonjs"', '"module"'))
  const { output } = await project.run(`tsc ${options} ${names.join(' ')}`)
  t.is(output, '')
})

/**
 * Without the digits of errors of a model in int8: onnxruntime multiplies 8-bit numbers in another way on processors without VNNI, and there
 * the errors are up to three times as large.
 */
function ofAnyProcessor(code: string, text: string): string {
  return code.includes('-int8.onnx') ? text.replaceAll(/\d\.\de-\d\b/g, '#') : text
}
