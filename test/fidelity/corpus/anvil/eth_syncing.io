>> {"jsonrpc":"2.0","id":7,"method":"eth_syncing","params":[]}
<< {"jsonrpc":"2.0","id":7,"result":false}
