>> {"jsonrpc":"2.0","id":10,"method":"eth_getBalance","params":["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x0"]}
<< {"jsonrpc":"2.0","id":10,"result":"0x21e19e0c9bab2400000"}
>> {"jsonrpc":"2.0","id":11,"method":"eth_getBalance","params":["0x70997970C51812dc3A010C7d01b50e0d17dc79C8",	"latest"]}
<< {"jsonrpc":"2.0","id":11,"result":"0x21e19e0c9bab2403039"}
>> {"jsonrpc":"2.0","id":113,"method":"eth_getBalance","params":[]}
<< {"jsonrpc":"2.0","id":113,"error":{"code":-32602,"message":"invalid length 0, expected tuple variant EthRequest::EthGetBalance with 2 elements"}}
>> {"jsonrpc":"2.0","id":114,"method":"eth_getBalance","params":["not an address","latest"]}
<< {"jsonrpc":"2.0","id":114,"error":{"code":-32602,"message":"invalid string length"}}
