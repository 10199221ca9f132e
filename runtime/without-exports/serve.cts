import fromNode = require('./node-realm.cts')

export = fromNode('onnsight/serve')
