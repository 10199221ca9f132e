/** Begins every name that onnsight makes up inside a session: brackets that no exporter writes, so that a model's own names stay free. */
export const OWN = '⟦onnsight⟧'
