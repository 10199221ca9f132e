const { trace, save } = require('onnsight/trace.macro')

exports.shapes = async (model, inputs) => {
  let hidden
  await trace(model, inputs, () => {
    hidden = save(model.transformer.h[1].output)
  })
  return hidden.dims
}
