>> {"jsonrpc":"2.0","id":9007199254740991,"method":"eth_gasPrice","params":[]}
<< {"jsonrpc":"2.0","id":9007199254740991,"result":"0x63932796"}
