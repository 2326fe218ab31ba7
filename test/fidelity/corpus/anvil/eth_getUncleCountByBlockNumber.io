>> {"jsonrpc":"2.0","id":103,"method":"eth_getUncleCountByBlockNumber","params":["0x1"]}
<< {"jsonrpc":"2.0","id":103,"result":"0x0"}
