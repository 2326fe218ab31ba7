>> {"jsonrpc":"2.0","id":104,"method":"eth_getLogs","params":[{"fromBlock":"0x0","toBlock":"latest"}]}
<< {"jsonrpc":"2.0","id":104,"result":[]}
>> {"jsonrpc":"2.0","id":105,"method":"eth_getLogs","params":[{"fromBlock":"0x5","toBlock":"0x1"}]}
<< {"jsonrpc":"2.0","id":105,"error":{"code":-32602,"message":"BlockOutOfRangeError: block height is 3 but requested was 5"}}
