import type { Blamed, ComparedModule, ComparisonData, DifferenceOverInputs } from './data.ts'
import { digits, percent } from './numbers.ts'

/** The number of bars in the list of the guiltiest modules. */
const MOST_BARS = 20

/** A page that needs nothing from elsewhere: the guiltiest modules, the module tree coloured by blame, and the numbers of every module. */
export function htmlOf(comparison: ComparisonData): string {
  const { models, inputs, output, advice, pairs, unpaired, unexplained } = comparison
  const title = `${models.b} against ${models.a}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="advice">${escaped(advice)}</p>
<p>${escaped(output.metric)} <b>${digits(output.mean)}</b> on ${inputs.length} inputs, at worst ${digits(output.worst.value)} on ${escaped(JSON.stringify(output.worst.input))}.${logits(comparison)}</p>
<h2>Blame</h2>
${bars(comparison.blame)}
<p>Outside of modules: ${percent(unexplained.outside)}. What the parts do not add up to: ${percent(unexplained.rest)}.</p>
${interactionsTable(comparison)}${keptCurve(comparison)}<h2>Modules</h2>
${tree(comparison)}
<h2>Numbers</h2>
${numbers(comparison.modules)}
<h2>Partners</h2>
<p>${pairs.length} modules have a partner.${alone('first', unpaired.a)}${alone('second', unpaired.b)}</p>
${partners(comparison)}
</body>
</html>
`
}

function interactionsTable({ interactions }: ComparisonData): string {
  if (interactions.length === 0) return ''
  const rows = interactions.map(
    ({ between, share, interval: [low, high] }) =>
      `<tr><td>${between.map(escaped).join('<br>')}</td><td>${percent(share)}</td><td>${percent(low)} … ${percent(high)}</td></tr>`,
  )
  return `<h2>Two together</h2>
<p>What the errors of two modules make beyond the sum of both: below zero where they overlap, above where they strengthen each other.</p>
<div class="scroll"><table><tr><th>modules</th><th>share</th><th>95% of draws</th></tr>${rows.join('')}</table></div>
`
}

/** The error that is left against the bytes that the weights grow by, one point for each module that stays in float. */
function keptCurve({ keepFloat }: ComparisonData): string {
  if (keepFloat.length === 0) return ''
  const most = Math.max(...keepFloat.map(({ bytes }) => bytes), 1)
  const top = Math.max(1, ...keepFloat.map(({ left }) => left))
  const points = [{ bytes: 0, left: 1 }, ...keepFloat].map(
    ({ bytes, left }) =>
      `${(10 + (Math.max(0, bytes) / most) * 380).toFixed(1)},${(110 - (left / top) * 100).toFixed(1)}`,
  )
  const rows = keepFloat.map(
    ({ module, left, bytes }) =>
      `<tr><td>${escaped(module)}</td><td>${percent(left)}</td><td>${digits(bytes / 1e6)} MB</td></tr>`,
  )
  return `<h2>Left in float</h2>
<svg viewBox="0 0 400 120" width="400" role="img" aria-label="error left against size"><path d="M10 10V110H390" fill="none" stroke="#bbb"/><polyline points="${points.join(' ')}" fill="none" stroke="#b3261e" stroke-width="2"/></svg>
<table><tr><th>one after the other</th><th>error left</th><th>larger by</th></tr>${rows.join('')}</table>
`
}

const STYLE = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.4em; overflow-wrap: anywhere } h2 { font-size: 1.1em; margin-top: 2em }
.advice { font-size: 1.15em; border-left: 4px solid #b3261e; padding-left: .8em }
table { border-collapse: collapse } th, td { padding: .15em .7em .15em 0; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; font-family: ui-monospace, monospace }
.bar { position: relative; display: inline-block; width: 24em; height: 1em; background: #f1f1f1; vertical-align: middle }
.bar i { position: absolute; top: 0; bottom: 0; left: 0; background: #d9796f }
.bar u { position: absolute; top: .4em; height: .2em; background: #5c1611 }
.scroll { overflow-x: auto } ul { list-style: none; padding-left: 1.2em; margin: 0 }
li span { font-family: ui-monospace, monospace; padding: 0 .4em; border-radius: 3px }
`

function bars(blame: readonly Blamed[]): string {
  const shown = blame.filter(({ effect }, i) => effect !== 0 && i < MOST_BARS)
  if (shown.length === 0) return '<p>Nothing differs.</p>'
  const width = Math.max(1, ...shown.map(({ interval: [, high] }) => high))
  const at = (share: number): string => `${((Math.max(0, share) / width) * 100).toFixed(1)}%`
  const rows = shown.map(({ module, node, share, interval: [low, high] }) => {
    const range = `left: ${at(low)}; width: ${at(high - low)}`
    const bar = `<span class="bar"><i style="width: ${at(share)}"></i><u style="${range}"></u></span>`
    return `<tr><td>${escaped(node ?? module)}</td><td>${percent(share)}</td><td>${percent(low)} … ${percent(high)}</td><td>${bar}</td></tr>`
  })
  return `<div class="scroll"><table><tr><th>module</th><th>share</th><th>95% of draws</th><th></th></tr>${rows.join('')}</table></div>`
}

/** A module of the tree that the paths make. */
interface Branch {
  readonly name: string
  own: number
  readonly children: Map<string, Branch>
}

function tree({ blame, pairs }: ComparisonData): string {
  const root: Branch = { name: '', own: 0, children: new Map() }
  const find = (path: string): Branch => {
    let branch = root
    for (const name of path.split('.')) {
      const child = branch.children.get(name) ?? { name, own: 0, children: new Map() }
      branch.children.set(name, child)
      branch = child
    }
    return branch
  }
  for (const { a } of pairs) find(a)
  for (const { module, share } of blame) find(module).own += share
  return `<ul>${[...root.children.values()].map(branchOf).join('')}</ul>`
}

const shareOf = ({ own, children }: Branch): number =>
  [...children.values()].reduce((sum, child) => sum + shareOf(child), own)

function branchOf(branch: Branch): string {
  const share = shareOf(branch)
  // White for none, red for all of the blame.
  const colour = `rgb(217 121 111 / ${Math.min(1, share).toFixed(3)})`
  const label = `<span style="background: ${colour}">${escaped(branch.name)}</span> ${share >= 0.0005 ? percent(share) : ''}`
  if (branch.children.size === 0) return `<li>${label}</li>`
  const inside = [...branch.children.values()].map(branchOf).join('')
  return `<li><details${share >= 0.05 ? ' open' : ''}><summary>${label}</summary><ul>${inside}</ul></details></li>`
}

function numbers(modules: readonly ComparedModule[]): string {
  const cells = (difference: DifferenceOverInputs | null): string =>
    difference === null
      ? '<td>–</td><td>–</td>'
      : `<td>${digits(difference.relative)}</td><td>${difference.snr === null ? '∞' : digits(difference.snr)}</td>`
  const rows = modules.map(
    ({ module, error, arriving, made }) =>
      `<tr><td>${escaped(module)}</td>${cells(error)}${cells(arriving)}${cells(made)}<td>${digits(error.max)}</td><td>${digits(error.cosine)}</td><td>${error.nonFinite}</td><td>${percent(error.clipped)}</td><td title="${escaped(error.worst.input)}">${digits(error.worst.relative)}</td></tr>`,
  )
  const head = [
    'module',
    'error',
    'dB',
    'arriving',
    'dB',
    'made here',
    'dB',
    'largest',
    'cosine',
    'NaN, ∞',
    'clipped',
    'at worst',
  ]
  return `<div class="scroll"><table><tr>${head.map(name => `<th>${name}</th>`).join('')}</tr>${rows.join('')}</table></div>`
}

function partners({ pairs }: ComparisonData): string {
  const others = pairs.filter(({ by }) => by !== 'path')
  if (others.length === 0) return ''
  const rows = others.map(({ a, b, by }) => `<tr><td>${escaped(a)}</td><td>${escaped(b)}</td><td>${by}</td></tr>`)
  return `<div class="scroll"><table><tr><th>first</th><th>second</th><th>found by</th></tr>${rows.join('')}</table></div>`
}

function alone(which: string, paths: readonly string[]): string {
  return paths.length > 0 ? ` Only in the ${which}: ${paths.map(escaped).join(', ')}.` : ''
}

function logits({ logits }: ComparisonData): string {
  if (!logits) return ''
  const { top1, top5, lossA, lossB } = logits
  const loss = lossA === null || lossB === null ? '' : ` Loss ${digits(lossA)} → ${digits(lossB)}.`
  return ` Same likeliest token: ${percent(top1)}, of the likeliest five: ${percent(top5)}.${loss}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
