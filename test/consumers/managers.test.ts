import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { checkLogits } from './logits.ts'
import { type Manager, managers } from './managers.ts'
import { MatrixPart } from './matrix-part.ts'
import { packed, root } from './packed.ts'
import { Project } from './project.ts'

/* The packed package in a new folder, installed by each package manager; the managers themselves come from the npm registry. */

const folder = mkdtempSync(join(tmpdir(), 'onnsight-managers-'))
const env = { MANAGERS: join(folder, 'tools/node_modules'), npm_config_user_agent: undefined }

/** The managers that do not start on this machine. */
const missing = new Set<string>()

const matrix = new MatrixPart(
  'Package managers',
  'test/consumers/managers.test.ts',
  managers.map(({ name, packages }) => ({
    name,
    packages,
    lockfile: 'test/consumers/managers/package-lock.json',
  })),
)

test.before(async t => {
  t.timeout(300_000)
  const tools = new Project(join(folder, 'tools'))
  cpSync('test/consumers/managers', tools.folder, { recursive: true, filter: path => !path.endsWith('/app') })
  // This is not npm ci, because some of pnpm's optional packages for other platforms can't be locked.
  await tools.succeed('npm install --no-audit --no-fund')
})
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

for (const manager of managers) {
  test.serial(
    `${manager.name}: a new project is installed, and runs by onnsight/register, by Babel’s macros and by Vite`,
    async t => {
      t.timeout(300_000)
      const { exec, node } = manager
      const version = await new Project(folder).run(manager.install.replace(/ install.*/, ' --version'), env)
      if (version.code !== 0) {
        missing.add(manager.name)
        t.pass()
        return t.log(`Not run: ${manager.name} does not start here.\n${version.output}`)
      }
      const at = await open(manager)
      // The post-install would have downloaded this file.
      t.false(existsSync(join(at.folder, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64', CUDA)))
      await checkLogits(t, await at.run(`${node} --import onnsight/register main.ts $MODEL`, env))
      await at.succeed(`${exec} babel main.ts --out-file dist/babel.js`, env)
      t.notRegex(at.read('dist/babel.js'), /trace\.macro/)
      await checkLogits(t, await at.run(`${node} dist/babel.js $MODEL`, env))
      await at.succeed(`${exec} vite build --logLevel error`, env)
      t.notRegex(at.read('dist/vite/main.js'), /^import\b.*from ["']onnsight/m)
      await checkLogits(t, await at.run(`${node} dist/vite/main.js $MODEL`, env))
      matrix.record(manager.name, 'install, onnsight/register, babel-plugin-macros, Vite')
      await checkDoctor(at, exec)
      matrix.record(manager.name, 'doctor')

      async function checkDoctor(project: Project, run: string): Promise<void> {
        const { stdout, output } = await project.run(`${run} onnsight doctor`, env)
        t.notRegex(stdout, /^fail/m, output)
        t.regex(stdout, /^ok {4}onnsight \d/m, output)
        t.regex(stdout, /^ok {4}onnxruntime-node 1\.30\.0: a session runs on the CPU$/m)
        t.regex(stdout, /^ok {4}@babel\/core 7\.29\.13$/m)
        t.regex(stdout, /^ok {4}babel-plugin-macros 3\.1\.0$/m)
        t.regex(stdout, /^ok {4}The macro is expanded/m)
      }
    },
  )

  if (manager.setUp.length === 0) continue
  test(`${manager.name}: docs/tools.md shows how it leaves the post-install out`, t => {
    const guide = readFileSync('docs/tools.md', 'utf8')
    const files = { 'package.json': readFileSync('test/consumers/managers/app/package.json', 'utf8'), ...manager.files }
    for (const line of manager.setUp) {
      t.true(files[manager.file as keyof typeof files].includes(line))
      t.true(guide.includes(line), `docs/tools.md has no ${line}`)
    }
  })
}

const CUDA = 'libonnxruntime_providers_cuda.so'

test.serial(
  'Plug’n’Play: files are written, weights are kept, a worker runs; the doctor that Yarn has not started says how',
  async t => {
    t.timeout(300_000)
    const manager = managers.find(({ name }) => name.includes('Play')) as Manager
    const at = await open(manager)
    at.write('files.ts', FILES)
    const { stdout, output } = await at.run(`${manager.node} --import onnsight/register files.ts $MODEL`, env)
    t.is(stdout.trim(), 'true true true', output)
    t.is((await at.succeed(`${manager.exec} onnsight types model.onnx --out model.d.ts`, env)).code, 0)
    t.true(existsSync(join(at.folder, 'model.d.ts')))
    const outside = await at.run(`node ${root}dist/cli/onnsight.js doctor`)
    t.is(outside.code, 1)
    t.regex(outside.output, /from Yarn’s Plug’n’Play \(.*\.pnp\.cjs\)[\s\S]*Do this: cd \S+ && yarn onnsight doctor/)
    // A package that is not installed is reported, and the commands of Yarn in the message install it.
    const text = at.read('package.json')
    at.write(
      'package.json',
      text.replace(/.*"babel-plugin-macros".*\n/, '').replace(/,\n\s*"onnxruntime-node": "1.*"/, ''),
    )
    await at.succeed(manager.install, env)
    const less = await at.run(`${manager.exec} onnsight doctor`, env)
    t.is(less.code, 1)
    t.regex(less.stdout, /^fail {2}onnxruntime-node is not installed\.\n {6}Do this: yarn add onnxruntime-node$/m)
    t.regex(less.stdout, /^warn {2}babel-plugin-macros can’t be found.*\n {6}Do this: yarn add -D babel-plugin-macros/m)
  },
)

const FILES = `import { load, WorkerBackend } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

const model = await load(process.argv[2], { cacheFolder: 'cache' })
await model.save('copy.onnx', { weights: 'external' })
const copy = await load('copy.onnx')
const logits = async (of: typeof model, options = {}) => (await trace(of, [[18, 47]], options, () => of.lm_head.output)).tolist()
const [own, other, worked] = [await logits(model), await logits(copy), await logits(model, { backend: new WorkerBackend() })]
const near = (a: number[][][], b: number[][][]) => a.flat(2).every((value, i) => Math.abs(value - b.flat(2)[i]) < 1e-4)
console.log(near(own, other), near(own, worked), own[0].length === 2)
process.exit(0)
`

test.serial('docs/matrix.md names the versions of the lockfile, and what was run', t => matrix.check(t, missing))

const opened = new Map<string, Promise<Project>>()

/** Makes a project in its own folder, with the manager's settings, and installs it once. */
function open(manager: Manager): Promise<Project> {
  const opening = opened.get(manager.name) ?? install(manager)
  opened.set(manager.name, opening)
  return opening
}

async function install({ name, files, install: command }: Manager): Promise<Project> {
  const project = new Project(mkdtempSync(join(folder, `${name.replaceAll(/\W+/g, '-')}-`)))
  cpSync('test/consumers/managers/app', project.folder, { recursive: true })
  cpSync('examples/models/chars.onnx', join(project.folder, 'model.onnx'))
  cpSync(await packed(), join(project.folder, 'onnsight.tgz'))
  for (const [path, text] of Object.entries(files)) project.write(path, text)
  await project.succeed(command, env)
  return project
}
