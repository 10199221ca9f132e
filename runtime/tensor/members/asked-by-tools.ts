/*
 * What libraries and consoles ask of any object that they meet, to find out what it is. A module or a tensor answers as an ordinary object
 * would: with what every object has, or with undefined. Only what a person can have meant as a module or a member is refused as
 * misspelt. A module of such a name is found first.
 */

/** Asked by React and its testing tools, Jest's and Vitest's matchers, Immutable, DOM testing, MobX, RxJS, AVA's concordance, Node. */
const ASKED = new Set(
  (
    '$$typeof asymmetricMatch nodeType tagName nodeName ownerDocument window _isMockFunction mock getMockName sheet isMobXAction ' +
    'subscribe lift isImmutable esModule default splice callee size byteLength buffer cause message ' +
    'stack code inspect href getTime getDate exec ref props render isReactComponent ctorName'
  ).split(' '),
)

/** Names that only tools write: `__v_isRef` of Vue, `@@__IMMUTABLE_ITERABLE__@@`, `$state` proxies of Svelte. */
const OF_TOOLS = /^(__|@@|\$\$?|_is)/

/** What every function and object has: `constructor`, `hasOwnProperty`, `valueOf`. */
const ORDINARY = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['call', 'apply', 'bind', 'prototype', 'arguments', 'caller'],
])

/** Whether a name that no module has is one that tools ask for. */
export const isAskedByTools = (name: string): boolean => ASKED.has(name) || OF_TOOLS.test(name) || ORDINARY.has(name)

/** What a tool gets: of Vue's question whether to leave the object as it is, yes; else what every function has, or undefined. */
export function answerTo(name: string, target: object): unknown {
  if (name === '__v_skip') return true
  return ORDINARY.has(name) ? Reflect.get(target, name) : undefined
}
