>> {"jsonrpc":"2.0","id":14,"method":"eth_getStorageAt","params":["0x5FbDB2315678afecb367f032d93F642f64180aa3","0x0","latest"]}
<< {"jsonrpc":"2.0","id":14,"result":"0x0000000000000000000000000000000000000000000000000000000000000000"}
