>> {"jsonrpc":"2.0","id":106,"method":"eth_getProof","params":["0x5FbDB2315678afecb367f032d93F642f64180aa3",["0x0"],"latest"]}
<< {"jsonrpc":"2.0","id":106,"error":{"code":-32602,"message":"odd number of digits"}}
