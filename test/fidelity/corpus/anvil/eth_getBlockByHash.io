>> {"jsonrpc":"2.0","id":117,"method":"eth_getBlockByHash","params":["0x1111111111111111111111111111111111111111111111111111111111111111",true]}
<< {"jsonrpc":"2.0","id":117,"result":null}
