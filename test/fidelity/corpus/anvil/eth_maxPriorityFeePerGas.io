>> {"jsonrpc":"2.0","id":0,"method":"eth_maxPriorityFeePerGas","params":[]}
<< {"jsonrpc":"2.0","id":0,"result":"0x3b9aca00"}
