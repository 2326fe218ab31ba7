>> {"jsonrpc":"2.0","id":50,"method":"eth_getBlockTransactionCountByNumber","params":["0x0"]}
<< {"jsonrpc":"2.0","id":50,"result":"0x0"}
>> {"jsonrpc":"2.0","id":51,"method":"eth_getBlockTransactionCountByNumber","params":["0x1"]}
<< {"jsonrpc":"2.0","id":51,"result":"0x1"}
>> {"jsonrpc":"2.0","id":52,"method":"eth_getBlockTransactionCountByNumber","params":["0x2"]}
<< {"jsonrpc":"2.0","id":52,"result":"0x1"}
>> {"jsonrpc":"2.0","id":53,"method":"eth_getBlockTransactionCountByNumber","params":["0x3"]}
<< {"jsonrpc":"2.0","id":53,"result":"0x1"}
>> {"jsonrpc":"2.0","id":54,"method":"eth_getBlockTransactionCountByNumber","params":["0x99"]}
<< {"jsonrpc":"2.0","id":54,"error":{"code":-32602,"message":"BlockOutOfRangeError: block height is 3 but requested was 153"}}
>> {"jsonrpc":"2.0","id":55,"method":"eth_getBlockTransactionCountByNumber","params":["earliest"]}
<< {"jsonrpc":"2.0","id":55,"result":"0x0"}
