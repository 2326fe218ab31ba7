>> {"jsonrpc":"2.0","id":116,"method":"eth_sendRawTransaction","params":["0x00"]}
<< {"jsonrpc":"2.0","id":116,"error":{"code":-32602,"message":"Failed to decode transaction"}}
