/*
 * Libraries and consoles read certain members of any object that they meet, to find out what it is. A module or a tensor answers as an
 * ordinary object does: with the members that every object has, or with undefined. Only names that a person may have meant as a module or a
 * member are refused as misspelt. A module with such a name comes first.
 */

/**
 * Names that are read by React and its testing tools, the matchers of Jest and Vitest, Immutable, DOM testing, MobX, RxJS, AVA's
 * concordance, Node, and the notebooks of Deno and IJavascript.
 */
const TOOL_NAMES = new Set(
  (
    '$$typeof asymmetricMatch nodeType tagName nodeName ownerDocument window _isMockFunction mock getMockName sheet isMobXAction ' +
    'subscribe lift isImmutable esModule default splice callee size byteLength buffer cause message ' +
    'stack code inspect href getTime getDate exec ref props render isReactComponent ctorName schema _toMime _toHtml ' +
    '_toSvg _toPng _toJpeg'
  ).split(' '),
)

/** Matches names that only tools use: `__v_isRef` of Vue, `@@__IMMUTABLE_ITERABLE__@@`, `$state` proxies of Svelte. */
const TOOL_PATTERN = /^(__|@@|\$\$?|_is)/

/** Members that every function and object has: `constructor`, `hasOwnProperty`, `valueOf`. */
const ORDINARY = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['call', 'apply', 'bind', 'prototype', 'arguments', 'caller'],
])

/** Whether tools read this name, if no module has it. */
export const isReadByTools = (name: string): boolean =>
  TOOL_NAMES.has(name) || TOOL_PATTERN.test(name) || ORDINARY.has(name)

/**
 * The value that a tool gets: true for Vue's `__v_skip`, so that Vue leaves the object as it is; a member that every function has; or
 * undefined.
 */
export function valueForTools(name: string, target: object): unknown {
  if (name === '__v_skip') return true
  return ORDINARY.has(name) ? Reflect.get(target, name) : undefined
}
