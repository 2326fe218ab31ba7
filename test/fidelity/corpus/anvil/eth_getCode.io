>> {"jsonrpc":"2.0","id":13,"method":"eth_getCode","params":["0x5FbDB2315678afecb367f032d93F642f64180aa3","latest"]}
<< {"jsonrpc":"2.0","id":13,"result":"0x5f3560e01c6385bb7d6914602157637e46dab660e01b5f52602a60045260245ffd5b602a5f5260205ff3"}
