>> {"jsonrpc":"2.0","id":112,"method":"eth_thereIsNone","params":[]}
<< {"jsonrpc":"2.0","id":112,"error":{"code":-32601,"message":"Method not found"}}
