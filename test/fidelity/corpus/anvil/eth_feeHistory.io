>> {"jsonrpc":"2.0","id":"ü€😀","method":"eth_feeHistory","params":["0x2", "latest", [25, 75]]}
<< {"jsonrpc":"2.0","id":"ü€😀","result":{"baseFeePerGas":["0x342f5b93","0x2dabc6a1","0x27f85d96"],"gasUsedRatio":[0.0007,0.0007053333333333333],"baseFeePerBlobGas":["0x1","0x1","0x1"],"blobGasUsedRatio":[0.0,0.0],"oldestBlock":"0x2","reward":[["0x3b9aca00","0x3b9aca00"],["0x3b9aca00","0x3b9aca00"]]}}
