>> {"jsonrpc":"2.0","id":15,"method":"eth_call","params":[{"to":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x85bb7d69"},"latest"]}
<< {"jsonrpc":"2.0","id":15,"result":"0x000000000000000000000000000000000000000000000000000000000000002a"}
>> {"jsonrpc":"2.0","id":16,"method":"eth_call","params":[{"to":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x8679b0c0"},"latest"]}
<< {"jsonrpc":"2.0","id":16,"error":{"code":3,"message":"execution reverted: custom error 0x7e46dab6: \u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000*","data":"0x7e46dab6000000000000000000000000000000000000000000000000000000000000002a"}}
>> {"jsonrpc":"2.0","id":115,"method":"eth_call","params":[{"to":"\u0030x00"},"latest"]}
<< {"jsonrpc":"2.0","id":115,"error":{"code":-32602,"message":"invalid string length"}}
