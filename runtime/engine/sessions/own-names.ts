/** Prefix of every name that onnsight adds to a session. No exporter writes these brackets, so it never collides with a model's names. */
export const OWN = '⟦onnsight⟧'
