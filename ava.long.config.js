import { compileTests } from './test/loading/compile.js'

/** Tests that take long: other people's projects from the tarball, apps, package managers, the site, every program of the pages, every value of real files and of fused patterns, gigabytes, soaks, long browser runs, servers that are killed. */
export const long = [
  'test/apps/**/*.test.ts',
  'test/cli/doctor.test.ts',
  'test/consumers/*.test.ts',
  'test/export/models.test.ts',
  'test/model/real-models.test.ts',
  'test/package/**/*.test.ts',
  'test/serve/two-servers.test.ts',
  'test/site/**/*.test.ts',
  'test/**/*large.test.ts',
  'test/**/*soak.test.ts',
  'test/engine/{long,threads,throws}.test.ts',
  'test/engine/fusions/*.test.ts',
  'test/browser/{cases,webgpu}.test.ts',
]

/** The slower half of the rooms' own tests. `npm test` runs the others, of every room, and so ends in some minutes. */
export const slower = [
  'test/browser/{browser,in-node}.test.ts',
  'test/cache/{packed,processes,results}.test.ts',
  'test/cli/{advice,completion,inspect,profile,repl,run,types}.test.ts',
  'test/compare/{builds,chromium,command,few-runs,further-faults,interactions,mixed,reduce,settings}.test.ts',
  'test/engine/laws.test.ts',
  'test/errors/catalogue.test.ts',
  'test/eslint/{no-unsaved-use,no-write-after-value}.test.ts',
  'test/export/kinds.test.ts',
  'test/generate/{encoder-decoder,invokes,kept-cache,room,transformers}.test.ts',
  'test/gradients/{models,programs,refused}.test.ts',
  'test/harvest/kill.test.ts',
  'test/heads/{laws,stored,verbs}.test.ts',
  'test/language-model/{folders,texts}.test.ts',
  'test/macro/{debugging,own-lines,register}.test.ts',
  'test/names/parameters.test.ts',
  'test/onnx/expansions/*.test.ts',
  'test/queue/namespaces.test.ts',
  'test/serve/{batching,stacked}.test.ts',
  'test/study/{ablate,attribution,attribution-patching,edge-attribution,mediation,optimize,patch-activations,path-patching,sweeps}.test.ts',
  'test/tracing/vehicles.test.ts',
  'test/view/{attention,compare,edited,generate,importance,many-numbers,media,operations,patch,saved,server,start,steer,view}.test.ts',
]

/** What `npm test` tries in part, and this whole or the rest of: all examples of laws, hostile graphs and requests, rules in the older ESLint, and gradients of operators. */
const more = [
  'test/model/intervention-graph.test.ts',
  'test/eslint/{no-,require-}*.test.ts',
  'test/gradients/{operators,tensor-methods}.test.ts',
  'test/serve/hostile.test.ts',
]

/** Sorts the files named in `first` before all others. The files that take longest start first, so that none runs alone at the end. */
export function starting(first) {
  const rank = file => {
    const at = first.findIndex(name => file.replaceAll('\\', '/').endsWith(`test/${name}.test.ts`))
    return at < 0 ? first.length : at
  }
  return (a, b) => rank(a) - rank(b) || a.localeCompare(b)
}

await compileTests()

export default {
  files: [...long, ...slower, ...more, '!test/consumers/*/**'],
  environmentVariables: { ONNSIGHT_MANY: '1' },
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=./test/loading/register.js'],
  sortTestFiles: starting([
    'consumers/consumers',
    'browser/webgpu',
    'package/programs',
    'consumers/managers',
    'apps/apps',
    'view/view',
    'view/server',
    'view/kinds-large',
    'site/site',
    'errors/catalogue',
    'cli/run',
    'engine/fusions/verbs',
  ]),
  timeout: '5m',
}
